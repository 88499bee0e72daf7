"""Send one file as a program would that uses tuspy, and print the address of its upload."""

import json
import sys

from tusclient.client import TusClient

endpoint, path, token, metadata = sys.argv[1:]
client = TusClient(endpoint, headers={"X-Manage-Token": token})
uploader = client.uploader(path, chunk_size=512 * 1024, metadata=json.loads(metadata), retries=40, retry_delay=0)
uploader.retry_delay = 0.1
uploader.upload()
sys.stdout.write(f"{uploader.url}\n")

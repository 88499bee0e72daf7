// Sends one file as a browser or a phone would, and prints the address of its upload.
const [, , place, endpoint, path, token, metadata] = process.argv;
const fs = require("node:fs");
const tus = require(`${place}/node_modules/tus-js-client`);

const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  headers: { "X-Manage-Token": token },
  metadata: JSON.parse(metadata),
  uploadSize: fs.statSync(path).size,
  chunkSize: 512 * 1024,
  retryDelays: Array(40).fill(100),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(upload.url),
});
upload.start();

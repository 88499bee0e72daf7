"""What Passenger starts; cPanel may overwrite this file, `flask --app app doctor --fix` restores it."""

from app import create_app

application = create_app()

"""The world outside: mail, SMS, webhooks, file storage, each with a null twin. Nothing lives here yet."""

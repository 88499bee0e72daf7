"""What is said to people in mails and short messages: the words of every topic in every language, and a mail's page."""

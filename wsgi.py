"""The application as web servers and `flask --app wsgi` find it."""

from consult import create_app

application = create_app()

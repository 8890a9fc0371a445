"""THE CLOCK AND THE POSTMAN. Celery rings; the database knows what is owed."""

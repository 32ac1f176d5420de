"""What is answered: the shapes that the OpenAPI declares."""

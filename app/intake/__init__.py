"""What came in, as raw bytes, before anybody looks at it; and the lanes that work through it in order."""

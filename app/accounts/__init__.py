"""The company that uses Kulpunai. One installation holds many; none sees another."""

"""Tops: fabrics, links and buses around the cores."""

"""A page that runs a LiteRT file in the browser, by LiteRT.js.

`site/` is the page as it is served: it has no build step and no framework.
"""

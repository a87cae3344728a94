"""The page that draws the skeleton in its room."""

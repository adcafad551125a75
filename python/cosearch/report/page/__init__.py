"""The parts of the page that `render_page` puts together, one file each."""

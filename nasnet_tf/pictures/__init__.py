"""Pictures: of cells, figures, contact sheets, pages."""

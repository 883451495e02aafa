"""A report of the workbench as text: one module a format, `write(report, out)`; the folder is the list of formats."""

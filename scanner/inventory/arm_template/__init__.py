"""ARM templates: files and parameter files come in, the resources that they describe come out (`reading.read_arm`)."""

"""Terraform before it is deployed: folders and plans come in, resources in Azure's shape come out."""

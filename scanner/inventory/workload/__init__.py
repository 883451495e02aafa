"""What is known of workloads and repositories from their files: image references, settings of containers, logins."""

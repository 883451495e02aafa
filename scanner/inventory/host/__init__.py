"""Docker hosts: roots of running hosts, mounted disks and unpacked images come in, what rules look at comes out."""

"""What a release of this project hands out beside its images: bills of materials, archives."""

"""The way to servers that tenants name, whatever is spoken to them."""

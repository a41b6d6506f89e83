"""Commands on this machine: run the service, look after images and configuration. They do not speak to a remote service."""

"""What the verbs ask of the world: small protocols, kept by adapters and held to tests/contracts."""

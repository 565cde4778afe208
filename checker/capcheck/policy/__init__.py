"""What an organisation demands of every deployment: limits, severities, waivers, own rules."""

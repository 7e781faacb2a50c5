"""Linear beamformers and receivers: closed forms, max-min SINR, least power, limits per site."""

"""From a finished pose to the wire: messages, sinks, MQTT."""

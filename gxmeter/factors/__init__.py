"""The factor registry: numbers of law and science as dated, sourced data, and which of them applies."""

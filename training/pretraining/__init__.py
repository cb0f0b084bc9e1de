"""Continued pretraining of an encoder on unlabelled text: reading it, packing it, the masked-LM objective."""

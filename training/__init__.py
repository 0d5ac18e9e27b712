"""Corrections -> data set -> fine-tuned model, and the pretraining of the bundled models."""

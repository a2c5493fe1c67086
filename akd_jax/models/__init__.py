"""Networks: StarGAN's generator and discriminator, and the evaluators."""

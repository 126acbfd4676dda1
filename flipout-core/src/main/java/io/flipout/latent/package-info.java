/** Latent weights, which train in the place of those that a network computes with. */
package io.flipout.latent;

/** From images to what a network takes, and from its scores to classes by name. */
package io.flipout.inference.image;

/**
 * The networks of the FlipOut paper as DJL Blocks, with PyTorch's names and initialisation.
 *
 * <p>Each is one file that reads like its architecture. {@link io.flipout.models.Models} lists them
 * by name.
 */
package io.flipout.models;

package io.flipout.djl.training;

/**
 * How well a network does on a set of images.
 *
 * @param loss the mean loss of an image
 * @param accuracy the share of images whose class has the highest output, 0 to 1
 * @param images the number of images
 */
public record Score(double loss, double accuracy, long images) {}

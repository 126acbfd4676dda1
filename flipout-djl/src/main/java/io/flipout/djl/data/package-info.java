/**
 * Images to train on: kept as bytes, normalised and augmented a batch at a time, handed out as DJL
 * data sets.
 */
package io.flipout.djl.data;

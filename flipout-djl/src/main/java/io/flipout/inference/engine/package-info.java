/**
 * The inference engine as an engine of DJL by the name of {@code FlipOut}: {@code
 * Criteria.builder().setTypes(...).optEngine("FlipOut").optModelPath(path)} loads a TorchScript
 * file of this project, and predictors compute with the weights that are left.
 *
 * <p>Its arrays only carry numbers. What else a translator asks of them is done by arrays of
 * another engine, which is started when it is first needed; where there is none, stacking,
 * splitting and reshaping still work, and {@link io.flipout.inference.image.ImageTranslator} needs
 * no more.
 */
package io.flipout.inference.engine;

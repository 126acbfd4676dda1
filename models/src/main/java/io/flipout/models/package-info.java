/**
 * The networks of the FlipOut paper and of the pruning literature, as DJL Blocks.
 *
 * <p>Each network has a builder ({@code ResNet18.builder().setClasses(10).build()}), and {@link
 * io.flipout.models.Models} finds them by name. They follow their PyTorch originals in three things
 * that pruning results depend on: the number of weights, PyTorch's names (the block path joined by
 * dots is {@code layer1.0.conv1}), and PyTorch's initialisation. A batch norm's parameters keep
 * DJL's names: gamma, beta, runningMean and runningVar.
 *
 * <p>{@code Engine.getInstance().setRandomSeed(seed)} before {@code initialize} decides every
 * initial weight. After {@code Model.load}, call {@code initialize} with the input's shape if
 * {@code describeInput()} of the inner blocks is wanted: DJL does not save it. The loaded weights
 * stay.
 */
package io.flipout.models;

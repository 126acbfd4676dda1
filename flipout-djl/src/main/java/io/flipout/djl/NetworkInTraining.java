package io.flipout.djl;

import ai.djl.training.Trainer;
import ai.djl.training.optimizer.Optimizer;

/**
 * A network and who trains it.
 *
 * @param network the network
 * @param optimizer the optimizer that is wrapped
 * @param trainer the trainer; null once it has closed
 */
record NetworkInTraining(PrunedNetwork network, Optimizer optimizer, Trainer trainer) {}

package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Sensitivity;
import io.flipout.signal.ConnectionGradient;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.Signal;
import java.util.List;
import java.util.Optional;

/**
 * SynFlow: prunes before training and without data, by {@code |θ·∂R/∂|θ||}, R the sum of what an
 * input of ones becomes in the network of all magnitudes |θ|.
 *
 * <p>Tanaka, Kunin, Yamins and Ganguli, <a href="https://arxiv.org/abs/2006.05467">Pruning neural
 * networks without any data by iteratively conserving synaptic flow</a>, 2020. The scores of every
 * layer add up to R, so that a layer with few weights left has large ones and is not cut off, given
 * rounds enough: the schedule is {@code Schedule.beforeTraining(sparsity, 100)}, whose k-th of n
 * prunings keeps {@code (1 − s)^(k/n)}, done by {@code Pruner.pruneBeforeTraining(trainer, dataset,
 * 1)}. Of the data set only the shape of an example is taken. The authors' code prunes all scores
 * at a threshold or below, and may prune too many; here the number is exact. It is computed in
 * double, which TorchScript modules do not allow.
 *
 * <p>A training step costs the masking and nothing more.
 */
public final class SynapticFlow implements PruningMethod {

    /** Creates the method. */
    public SynapticFlow() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "synflow";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new Sensitivity();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new ConnectionGradient());
    }

    /** {@inheritDoc} */
    @Override
    public Optional<GradientProbe> probe() {
        return Optional.of(GradientProbe.ofOnes());
    }
}

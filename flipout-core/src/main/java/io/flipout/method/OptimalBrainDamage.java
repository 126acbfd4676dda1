package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.DiagonalDamage;
import io.flipout.signal.DiagonalFisher;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.Signal;
import java.util.List;
import java.util.Optional;

/**
 * Optimal brain damage: prunes the weights with the lowest θ²·h/2, h the diagonal of the Hessian,
 * here of the empirical Fisher information: the mean of the squared gradients of single examples.
 *
 * <p>LeCun, Denker and Solla, <a
 * href="https://papers.nips.cc/paper/1989/hash/6c9882bbac1c7093bd25041881277658-Abstract.html">
 * Optimal Brain Damage</a>, 1990, whose authors compute the Hessian's diagonal; the Fisher form is
 * that of Theis, Korshunova, Tejani and Huszár, <a href="https://arxiv.org/abs/1801.05787">Faster
 * Gaze Prediction With Dense Networks and Fisher Pruning</a>, 2018. Batch normalisation is that of
 * the evaluation.
 *
 * <p>Each pruning takes a forward and backward pass for every example, as given by {@code
 * Pruner.builder().optExamples(dataset, 1000)}, and 4 bytes a weight meanwhile. A training step
 * costs the masking and nothing more.
 */
public final class OptimalBrainDamage implements PruningMethod {

    /** Creates the method. */
    public OptimalBrainDamage() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "obd";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new DiagonalDamage();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new DiagonalFisher());
    }

    /** {@inheritDoc} */
    @Override
    public Optional<GradientProbe> probe() {
        return Optional.of(GradientProbe.ofExamples());
    }
}

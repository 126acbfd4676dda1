package io.flipout.gradient;

/** What the standard deviation σ of gradient noise is measured by. d is the size of the tensor. */
public enum NoiseScale {
    /**
     * σ = λ‖g‖₂/√d: the root mean square of the gradient after masking. This is what the paper's
     * results were made with.
     */
    GRADIENT,
    /**
     * σ = λ‖θ‖₂/√d, as the paper prints it (Eq. 3c). The noise then grows with the weights and the
     * weights with the noise: at a learning rate of 0.1 with momentum it diverges.
     */
    WEIGHT,
    /** σ = λ, whatever the gradient and the weights are. */
    FIXED,
    /**
     * σ² = λ/(1 + t)^0.55 after t steps, the same for all tensors: λ is the η of Neelakantan et
     * al., <a href="https://arxiv.org/abs/1511.06807">Adding Gradient Noise Improves Learning for
     * Very Deep Networks</a>, 2015, who try 0.01, 0.3 and 1.
     */
    ANNEALED,
    /**
     * σ = λ·√(2/(N·η)), η the learning rate of the step and N the number of examples whose mean
     * loss is trained: with λ = 1 and plain SGD, stochastic gradient Langevin dynamics (Welling and
     * Teh, <a href="https://www.stats.ox.ac.uk/~teh/research/compstats/WelTeh2011a.pdf">Bayesian
     * Learning via Stochastic Gradient Langevin Dynamics</a>, 2011). With momentum it is another
     * sampler.
     */
    LANGEVIN
}

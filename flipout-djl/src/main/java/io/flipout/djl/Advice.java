package io.flipout.djl;

/**
 * What the user of a pruner is told to do where something is wrong with his network. A program
 * whose user writes no Java, such as a command line, gives its own names of these means to {@link
 * Pruner.Builder#optAdvice}.
 */
public interface Advice {

    /**
     * Names what keeps the zeros of a network that arrives pruned.
     *
     * @return the call
     */
    default String keepZeros() {
        return "Pruner.builder().optKeepZeros()";
    }

    /**
     * Names what gives every layer a least number of weights.
     *
     * @return the call
     */
    default String layerFloor() {
        return "Allocation.global().withFloor(n)";
    }

    /**
     * Names what leaves parameters out of the pruning.
     *
     * @return the call
     */
    default String exclude() {
        return "WeightSelector.builder().optExclude(...)";
    }

    /**
     * Names what makes the blocks of a Fisher information smaller, which take much memory.
     *
     * @return the call
     */
    default String smallerBlocks() {
        return "OptimalBrainSurgeon.builder().optBlock(b)";
    }
}

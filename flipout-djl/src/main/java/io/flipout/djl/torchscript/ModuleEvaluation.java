package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.nn.SymbolBlock;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;

/** Evaluates networks so that gradients can be taken, also of modules that DJL itself loaded. */
public final class ModuleEvaluation {

    private ModuleEvaluation() {}

    /**
     * Computes as in evaluation, under a gradient collector.
     *
     * @param block the network
     * @param store where its parameters are
     * @param data the inputs
     * @return the outputs, which gradients can be taken of
     * @throws IllegalStateException if a module that DJL loaded is a part of the network, where it
     *     cannot be reached
     */
    public static NDList forward(Block block, ParameterStore store, NDList data) {
        if (isForeign(block)) {
            // DJL's evaluation has no gradients, but leaves the module in the mode of evaluation;
            // what is then called training computes in that mode, with gradients.
            block.forward(store, data, false).close();
            return IValueUtils.forward((PtSymbolBlock) block, data, true);
        }
        refuseForeign(block);
        return block.forward(store, data, false);
    }

    private static void refuseForeign(Block block) {
        for (Pair<String, Block> child : block.getChildren()) {
            if (isForeign(child.getValue())) {
                throw new IllegalStateException(
                        "The block "
                                + child.getKey()
                                + " is a TorchScript module as DJL loads it, which has no gradients"
                                + " in evaluation: load it by TorchScriptModels.load(path).");
            }
            refuseForeign(child.getValue());
        }
    }

    private static boolean isForeign(Block block) {
        return block instanceof SymbolBlock
                && block instanceof PtSymbolBlock
                && !(block instanceof TorchScriptBlock);
    }
}

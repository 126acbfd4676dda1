/**
 * TorchScript out and in: {@link io.flipout.djl.torchscript.TorchScriptExporter} writes networks of
 * DJL blocks, {@link io.flipout.djl.torchscript.TorchScriptModels} loads modules of any origin to
 * prune them.
 *
 * <p>The way out: a {@code Tracer} runs the block on arrays that write down what it does, as {@code
 * Statement}s of {@code Expression}s that {@code Operations} knows. {@code SizeSolver} turns traces
 * of several input sizes into one for all. {@code ModuleTree} arranges the parameters, {@code
 * ModuleCode} writes the code, {@code ScriptWriter} the archive with its pickles and weights. Of a
 * compacted file, {@code CompactedModule} writes down a graph that is made smaller, with {@code
 * SparseProduct}s where few weights are left.
 */
package io.flipout.djl.torchscript;

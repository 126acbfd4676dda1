package io.flipout.djl.torchscript;

import java.util.List;

/**
 * One step of a trace.
 *
 * @param expression what is computed
 * @param results the tensors that come of it; none if it writes into its first argument
 * @param isList whether they come in a list instead of a tuple
 */
record Statement(Expression expression, List<Value> results, boolean isList) {}

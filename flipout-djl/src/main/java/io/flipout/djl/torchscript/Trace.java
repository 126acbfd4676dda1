package io.flipout.djl.torchscript;

import java.util.List;

/**
 * What a block did with one input.
 *
 * @param inputs the inputs
 * @param statements the steps, in order
 * @param outputs the outputs
 * @param values every tensor by its id
 */
record Trace(
        List<Value> inputs, List<Statement> statements, List<Value> outputs, List<Value> values) {}

package io.flipout.graph;

import java.util.List;

/** A function of one to three numbers, place by place; axes of size 1 are stretched. */
public final class Elementwise extends Node {

    private final Function function;

    /**
     * Creates the node.
     *
     * @param function the function
     * @param operands as many as it takes: nodes of the same number of axes, and constants
     */
    public Elementwise(Function function, List<Node> operands) {
        super(operands, dims(operands));
        this.function = function;
        if (operands.size() != function.operands()) {
            throw new IllegalArgumentException(function + " of " + operands.size() + " operands");
        }
    }

    /**
     * A function of one node and numbers.
     *
     * @param function the function
     * @param input the node
     * @param arguments the function's further arguments
     * @return the node
     */
    public static Elementwise of(Function function, Node input, float... arguments) {
        Node[] operands = new Node[1 + arguments.length];
        operands[0] = input;
        for (int i = 0; i < arguments.length; i++) {
            operands[1 + i] = Constant.of(arguments[i]);
        }
        return new Elementwise(function, List.of(operands));
    }

    private static Dims dims(List<Node> operands) {
        int channels = 1;
        int height = 1;
        int width = 1;
        int rank = 2;
        for (Node operand : operands) {
            Dims dims = operand.dims();
            channels = stretched(channels, dims.channels());
            height = stretched(height, dims.height());
            width = stretched(width, dims.width());
            rank = Math.max(rank, dims.rank());
        }
        for (Node operand : operands) {
            if (!(operand instanceof Constant) && operand.dims().rank() != rank) {
                throw new IllegalArgumentException("operands with different axes");
            }
        }
        return new Dims(channels, height, width, rank);
    }

    private static int stretched(int one, int other) {
        if (one != other && one != 1 && other != 1) {
            throw new IllegalArgumentException("operands of different sizes");
        }
        return one == 1 ? other : one;
    }

    /**
     * The function.
     *
     * @return the function
     */
    public Function function() {
        return function;
    }

    /**
     * Whether it is a function of one node and numbers, in this order.
     *
     * @return true if so
     */
    public boolean isOfOne() {
        for (int i = 1; i < inputs().size(); i++) {
            if (!(inputs().get(i) instanceof Constant constant && constant.isScalar())) {
                return false;
            }
        }
        return true;
    }

    /**
     * The numbers after the first operand of a function of one node and numbers.
     *
     * @return the numbers
     */
    public float[] arguments() {
        float[] arguments = new float[inputs().size() - 1];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = ((Constant) inputs().get(1 + i)).value(0);
        }
        return arguments;
    }

    @Override
    public Elementwise on(List<Node> others) {
        return new Elementwise(function, others);
    }
}

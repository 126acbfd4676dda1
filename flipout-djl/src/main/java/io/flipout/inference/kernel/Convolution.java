package io.flipout.inference.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A two-dimensional convolution with what follows it: out = f(Σ w · in + bias), with a residual
 * added before or after the activation f. A linear layer is a convolution whose kernel is as large
 * as its input ({@link #linear}).
 *
 * <p>It is built once from its weights and then {@link #plan planned} for given planes, any number
 * of times.
 */
public final class Convolution {

    final Filters filters;
    final int kernelHeight;
    final int kernelWidth;
    final int strideHeight;
    final int strideWidth;
    final int paddingHeight;
    final int paddingWidth;
    final int dilationHeight;
    final int dilationWidth;
    final int groups;
    final float[] bias;
    final Activation activation;
    final boolean residual;
    final boolean residualLast;
    final int[] residualChannels;

    private Convolution(Builder builder) {
        filters = builder.filters;
        kernelHeight = builder.kernelHeight;
        kernelWidth = builder.kernelWidth;
        strideHeight = builder.strideHeight;
        strideWidth = builder.strideWidth;
        paddingHeight = builder.paddingHeight;
        paddingWidth = builder.paddingWidth;
        dilationHeight = builder.dilationHeight;
        dilationWidth = builder.dilationWidth;
        groups = builder.groups;
        bias = builder.bias;
        activation = builder.activation;
        residual = builder.residual;
        residualLast = builder.residualLast;
        residualChannels = builder.residualChannels;
    }

    /**
     * Starts a convolution.
     *
     * @return a builder; filters and kernel are required
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Starts a linear layer whose inputs are the elements of an image, in the order of channel, row
     * and column. Its output has one element a filter: {@code Planes.of(images, filters, 1, 1)}.
     *
     * @param filters one a output, of as many weights as the input has elements
     * @param input the planes that it reads
     * @return a builder; nothing else is required
     */
    public static Builder linear(Filters filters, Planes input) {
        return builder().setFilters(filters).setKernel(input.height(), input.width());
    }

    /**
     * Returns the rows of the output.
     *
     * @param height the rows of the input
     * @return the rows; less than 1 if the input is too small
     */
    public int outputHeight(int height) {
        return Math.floorDiv(
                        height + 2 * paddingHeight - dilationHeight * (kernelHeight - 1) - 1,
                        strideHeight)
                + 1;
    }

    /**
     * Returns the columns of the output.
     *
     * @param width the columns of the input
     * @return the columns; less than 1 if the input is too small
     */
    public int outputWidth(int width) {
        return Math.floorDiv(
                        width + 2 * paddingWidth - dilationWidth * (kernelWidth - 1) - 1,
                        strideWidth)
                + 1;
    }

    /**
     * Returns the floats that a plan needs beside input and output.
     *
     * @param in the input
     * @param out the output
     * @return 0 or more
     */
    public int scratch(Planes in, Planes out) {
        check(in, out, null);
        return isFeatures(out) || isDirect(in, out) ? 0 : gather(in, out, 0, Loops.best()).size();
    }

    /**
     * Binds the convolution to planes. It reads its input where that lies if the border is as wide
     * as the greater padding, and either its stride is 1 and the rows of input and output are
     * equally far apart, or as many images as a multiple of {@link Planes#ROOM} are side by side in
     * planes that are not too small. Else it gathers what it reads first.
     *
     * <p>The border of the input must be zero; that of the output stays as it is (see {@link
     * Planes}).
     *
     * @param in the input
     * @param out the output, with as many lanes as the input; not where the input or residual is
     * @param residual what to add, or null without residual; rows as far apart and as many lanes as
     *     in the output
     * @param scratch where {@link #scratch} floats are free while the kernels run
     * @return the kernels, to run one after the other
     * @throws IllegalArgumentException if the planes do not suit the convolution
     */
    public List<Kernel> plan(Planes in, Planes out, Planes residual, int scratch) {
        return plan(in, out, residual, scratch, Loops.best());
    }

    List<Kernel> plan(Planes in, Planes out, Planes residual, int scratch, Loops loops) {
        check(in, out, residual);
        Epilogue epilogue =
                new Epilogue(bias, activation, out, residual, residualLast, residualChannels);
        if (isFeatures(out)) {
            return List.of(features(in, out, epilogue, loops));
        }
        if (isDirect(in, out)) {
            return List.of(taps(in, out, epilogue, loops));
        }
        Gather gather = gather(in, out, scratch, loops);
        return List.of(gather, taps(gather, out, epilogue, loops));
    }

    private void check(Planes in, Planes out, Planes added) {
        int inputs = filters.size() / (kernelHeight * kernelWidth) * groups;
        boolean fits =
                in.channels() == inputs
                        && out.channels() == filters.count()
                        && out.height() == outputHeight(in.height())
                        && out.width() == outputWidth(in.width())
                        && in.images() == out.images()
                        && in.lanes() == out.lanes();
        if (!fits) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "A convolution of %s cannot go from %s to %s.",
                            this,
                            in,
                            out));
        }
        if (added != null
                && (!residual
                        || added.images() != out.images()
                        || added.height() != out.height()
                        || added.width() != out.width()
                        || (added.height() > 1 && added.rowStride() != out.rowStride())
                        || added.lanes() != out.lanes())) {
            throw new IllegalArgumentException(
                    String.format(Locale.ROOT, "%s cannot be added to %s.", added, out));
        }
    }

    /** Single elements lie close together, so that no kernel may write behind one. */
    private static boolean isFeatures(Planes out) {
        return out.planeStride() == out.lanes();
    }

    private boolean isDirect(Planes in, Planes out) {
        boolean isRun = strideHeight == 1 && strideWidth == 1 && in.rowStride() == out.rowStride();
        return (isRun || Taps.isTiled(out)) && Math.max(paddingHeight, paddingWidth) <= in.border();
    }

    /** The taps where the input lies. */
    private Taps taps(Planes in, Planes out, Epilogue epilogue, Loops loops) {
        int[] offsets = new int[filters.kept()];
        for (int filter = 0; filter < filters.count(); filter++) {
            for (int i = filters.starts[filter]; i < filters.starts[filter + 1]; i++) {
                int place = filters.places[i];
                int row = row(place) * dilationHeight - paddingHeight;
                int column = column(place) * dilationWidth - paddingWidth;
                offsets[i] =
                        channel(filter, place) * in.planeStride()
                                + (row * in.rowStride() + column) * in.lanes();
            }
        }
        return new Taps(
                filters,
                offsets,
                in.first(),
                in.groupStride(),
                strideWidth * in.lanes(),
                strideHeight * in.rowStride() * in.lanes(),
                out,
                epilogue,
                loops);
    }

    /** The taps where the input has been gathered. */
    private Taps taps(Gather gather, Planes out, Epilogue epilogue, Loops loops) {
        int[] offsets = new int[filters.kept()];
        for (int filter = 0; filter < filters.count(); filter++) {
            for (int i = filters.starts[filter]; i < filters.starts[filter + 1]; i++) {
                int place = filters.places[i];
                offsets[i] =
                        gather.offset(
                                channel(filter, place),
                                row(place) * dilationHeight - paddingHeight,
                                column(place) * dilationWidth - paddingWidth);
            }
        }
        return new Taps(
                filters, offsets, gather.first(), gather.groupStride(), out, epilogue, loops);
    }

    private Gather gather(Planes in, Planes out, int scratch, Loops loops) {
        int height = dilationHeight * (kernelHeight - 1);
        int width = dilationWidth * (kernelWidth - 1);
        Gather gather =
                new Gather(
                        in,
                        out,
                        scratch,
                        strideHeight,
                        strideWidth,
                        -paddingHeight,
                        height - paddingHeight,
                        -paddingWidth,
                        width - paddingWidth,
                        loops);
        for (int filter = 0; filter < filters.count(); filter++) {
            for (int i = filters.starts[filter]; i < filters.starts[filter + 1]; i++) {
                int place = filters.places[i];
                gather.use(
                        channel(filter, place),
                        row(place) * dilationHeight - paddingHeight,
                        column(place) * dilationWidth - paddingWidth);
            }
        }
        gather.plan();
        return gather;
    }

    /** Each filter's one output: what lies in the padding adds nothing. */
    private Kernel features(Planes in, Planes out, Epilogue epilogue, Loops loops) {
        int[] starts = new int[filters.count() + 1];
        int[] places = new int[filters.kept()];
        int[] offsets = new int[filters.kept()];
        float[] values = new float[filters.kept()];
        int at = 0;
        for (int filter = 0; filter < filters.count(); filter++) {
            for (int i = filters.starts[filter]; i < filters.starts[filter + 1]; i++) {
                int place = filters.places[i];
                int y = row(place) * dilationHeight - paddingHeight;
                int x = column(place) * dilationWidth - paddingWidth;
                if (y >= 0 && y < in.height() && x >= 0 && x < in.width()) {
                    offsets[at] = in.index(0, channel(filter, place), y, x) - in.first();
                    places[at] = place;
                    values[at++] = filters.values[i];
                }
            }
            starts[filter + 1] = at;
        }
        Filters inside =
                Filters.sparse(
                        filters.size(),
                        starts,
                        Arrays.copyOf(places, at),
                        Arrays.copyOf(values, at));
        return new Features(inside, offsets, in, out, epilogue, loops);
    }

    private int channel(int filter, int place) {
        int area = kernelHeight * kernelWidth;
        return filter / (filters.count() / groups) * (filters.size() / area) + place / area;
    }

    private int row(int place) {
        return place / kernelWidth % kernelHeight;
    }

    private int column(int place) {
        return place % kernelWidth;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s, kernel %d × %d, stride %d × %d, padding %d × %d, dilation %d × %d, %d groups",
                filters,
                kernelHeight,
                kernelWidth,
                strideHeight,
                strideWidth,
                paddingHeight,
                paddingWidth,
                dilationHeight,
                dilationWidth,
                groups);
    }

    /** Builds a {@link Convolution}. */
    public static final class Builder {

        private Filters filters;
        private int kernelHeight;
        private int kernelWidth;
        private int strideHeight = 1;
        private int strideWidth = 1;
        private int paddingHeight;
        private int paddingWidth;
        private int dilationHeight = 1;
        private int dilationWidth = 1;
        private int groups = 1;
        private float[] bias;
        private Activation activation = Activation.IDENTITY;
        private boolean residual;
        private boolean residualLast;
        private int[] residualChannels;

        private Builder() {}

        /**
         * Sets the weights.
         *
         * @param filters as many as there are output channels, of {@code input channels / groups ×
         *     kernel height × kernel width} weights
         * @return this builder
         */
        public Builder setFilters(Filters filters) {
            this.filters = filters;
            return this;
        }

        /**
         * Sets the size of the kernel.
         *
         * @param height its rows
         * @param width its columns
         * @return this builder
         */
        public Builder setKernel(int height, int width) {
            kernelHeight = height;
            kernelWidth = width;
            return this;
        }

        /**
         * Sets how far apart the outputs are in the input (default 1).
         *
         * @param height in rows
         * @param width in columns
         * @return this builder
         */
        public Builder optStride(int height, int width) {
            strideHeight = height;
            strideWidth = width;
            return this;
        }

        /**
         * Sets how many zeros surround the input (default 0).
         *
         * @param height rows above, and below
         * @param width columns left, and right
         * @return this builder
         */
        public Builder optPadding(int height, int width) {
            paddingHeight = height;
            paddingWidth = width;
            return this;
        }

        /**
         * Sets how far apart the kernel's weights are in the input (default 1).
         *
         * @param height in rows
         * @param width in columns
         * @return this builder
         */
        public Builder optDilation(int height, int width) {
            dilationHeight = height;
            dilationWidth = width;
            return this;
        }

        /**
         * Sets the groups of channels that do not see each other (default 1). As many as there are
         * channels makes a depthwise convolution.
         *
         * @param groups a divisor of the filters
         * @return this builder
         */
        public Builder optGroups(int groups) {
            this.groups = groups;
            return this;
        }

        /**
         * Sets what is added to each filter's outputs (default nothing).
         *
         * @param bias one number a filter, or null
         * @return this builder
         */
        public Builder optBias(float[] bias) {
            this.bias = bias == null ? null : bias.clone();
            return this;
        }

        /**
         * Sets the function of each output (default none).
         *
         * @param activation the function
         * @return this builder
         */
        public Builder optActivation(Activation activation) {
            this.activation = activation;
            return this;
        }

        /**
         * Adds the planes that the plan names to the output.
         *
         * @param afterActivation whether they are added to the activation's result, not to its
         *     argument
         * @param channels for each output channel the channel that is added to it, or -1 for none;
         *     null: the channel of the same number
         * @return this builder
         */
        public Builder optResidual(boolean afterActivation, int[] channels) {
            residual = true;
            residualLast = afterActivation;
            residualChannels = channels == null ? null : channels.clone();
            return this;
        }

        /**
         * Builds the convolution.
         *
         * @return the convolution
         * @throws IllegalArgumentException if something is missing or does not fit together
         */
        public Convolution build() {
            if (filters == null) {
                throw new IllegalArgumentException("A convolution needs filters: setFilters.");
            }
            if (kernelHeight < 1 || kernelWidth < 1) {
                throw new IllegalArgumentException("A convolution needs a kernel: setKernel.");
            }
            if (strideHeight < 1
                    || strideWidth < 1
                    || dilationHeight < 1
                    || dilationWidth < 1
                    || paddingHeight < 0
                    || paddingWidth < 0
                    || groups < 1) {
                throw new IllegalArgumentException(
                        "Strides, dilations and groups are 1 or more, paddings 0 or more.");
            }
            if (filters.size() % (kernelHeight * kernelWidth) != 0) {
                throw new IllegalArgumentException(
                        String.format(
                                Locale.ROOT,
                                "Filters of %d weights have no kernel of %d × %d.",
                                filters.size(),
                                kernelHeight,
                                kernelWidth));
            }
            if (filters.count() % groups != 0) {
                throw new IllegalArgumentException(
                        filters.count() + " filters do not make " + groups + " groups.");
            }
            if (bias != null && bias.length != filters.count()) {
                throw new IllegalArgumentException(
                        filters.count() + " filters have a bias of " + bias.length + ".");
            }
            if (residualChannels != null && residualChannels.length != filters.count()) {
                throw new IllegalArgumentException(
                        String.format(
                                Locale.ROOT,
                                "%d channels are added to %d filters.",
                                residualChannels.length,
                                filters.count()));
            }
            return new Convolution(this);
        }
    }
}

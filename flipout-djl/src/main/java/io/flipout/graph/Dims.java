package io.flipout.graph;

/**
 * The sizes of what a node computes for one image: planes of numbers, one for each channel, in the
 * order channel, row, column. What PyTorch knows as (batch, features) is one number a channel, and
 * (batch, channels, length) is one row a channel.
 *
 * @param channels the number of channels
 * @param height the rows of a plane
 * @param width the columns of a plane
 * @param rank how many axes PyTorch knows, the batch among them: 2, 3 or 4
 */
public record Dims(int channels, int height, int width, int rank) {

    /** Checks the sizes. */
    public Dims {
        if (rank < 2 || rank > 4 || channels < 0 || height < 1 || width < 1) {
            throw new IllegalArgumentException(
                    "No planes: " + channels + "x" + height + "x" + width + " of rank " + rank);
        }
        if ((rank < 4 && height != 1) || (rank < 3 && width != 1)) {
            throw new IllegalArgumentException("A size without an axis in rank " + rank);
        }
        Math.multiplyExact(Math.multiplyExact(channels, height), width);
    }

    /**
     * The sizes that PyTorch's axes after the batch make.
     *
     * @param axes the sizes of one to three axes
     * @return the sizes
     */
    public static Dims of(int... axes) {
        return switch (axes.length) {
            case 1 -> new Dims(axes[0], 1, 1, 2);
            case 2 -> new Dims(axes[0], 1, axes[1], 3);
            case 3 -> new Dims(axes[0], axes[1], axes[2], 4);
            default -> throw new IllegalArgumentException("There are " + axes.length + " axes.");
        };
    }

    /**
     * The axes after the batch as PyTorch knows them.
     *
     * @return one to three sizes
     */
    public int[] axes() {
        return switch (rank) {
            case 2 -> new int[] {channels};
            case 3 -> new int[] {channels, width};
            default -> new int[] {channels, height, width};
        };
    }

    /**
     * The numbers of a plane.
     *
     * @return height times width
     */
    public int area() {
        return height * width;
    }

    /**
     * The numbers of an image.
     *
     * @return channels times height times width
     */
    public int size() {
        return channels * height * width;
    }

    /**
     * The same planes, but another number of them.
     *
     * @param count how many
     * @return the sizes
     */
    public Dims withChannels(int count) {
        return new Dims(count, height, width, rank);
    }
}

package io.flipout.inference.image;

import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.tensor.Transfers;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/**
 * From images to classes by name: scales, crops and normalises by what the file says of itself, in
 * plain Java, with no array arithmetic.
 *
 * <pre>{@code
 * Criteria.builder()
 *         .setTypes(Image.class, Classifications.class)
 *         .optEngine("FlipOut")
 *         .optModelPath(Path.of("pruned.pt"))
 *         .optTranslator(ImageTranslator.builder().build())
 *         .build();
 * }</pre>
 *
 * <p>It works with the PyTorch engine too, given {@code .optOption("extraFiles", "flipout.json")}.
 */
public final class ImageTranslator implements Translator<Image, Classifications> {

    private final int resize; // 0: scaled as in training
    private final int topK;
    private final boolean softmax;
    private ImageInput input;
    private ClassNames classes;

    private ImageTranslator(Builder builder) {
        resize = builder.resize;
        topK = builder.topK;
        softmax = builder.softmax;
        if (builder.metadata != null) {
            use(builder.metadata);
        }
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    private synchronized void use(ScriptMetadata metadata) {
        input = ImageInput.of(metadata);
        classes = new ClassNames(metadata.classes());
    }

    /** Reads what the model's file says of itself. */
    @Override
    public synchronized void prepare(TranslatorContext context) {
        if (input == null) {
            String json = context.getModel().getProperty(ScriptMetadata.NAME);
            if (json == null || json.isEmpty()) {
                throw new IllegalArgumentException(
                        "The model has no extra/"
                                + ScriptMetadata.NAME
                                + ": export it with metadata, or give optMetadata to the"
                                + " translator.");
            }
            use(ScriptMetadata.fromJson(json));
        }
    }

    @Override
    public NDList processInput(TranslatorContext context, Image image) throws IOException {
        int[] shape = input.shape();
        float[] numbers = input.of(cropped(pixels(image), shape[1], shape[2]));
        return new NDList(
                context.getNDManager().create(numbers, new Shape(shape[0], shape[1], shape[2])));
    }

    /** The part in the middle that is left when the shorter side has been scaled. */
    private BufferedImage cropped(BufferedImage image, int height, int width) {
        if (resize == 0) {
            return image;
        }
        if (resize < Math.max(height, width)) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "An image whose shorter side is of %d pixels holds none of %d×%d.",
                            resize,
                            height,
                            width));
        }
        double scale = (double) Math.min(image.getWidth(), image.getHeight()) / resize;
        int partWidth = Math.max(1, (int) Math.round(width * scale));
        int partHeight = Math.max(1, (int) Math.round(height * scale));
        return image.getSubimage(
                (image.getWidth() - partWidth) / 2,
                (image.getHeight() - partHeight) / 2,
                partWidth,
                partHeight);
    }

    private static BufferedImage pixels(Image image) throws IOException {
        if (image.getWrappedImage() instanceof BufferedImage pixels) {
            return pixels;
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        image.save(png, "png");
        return ImageIO.read(new ByteArrayInputStream(png.toByteArray()));
    }

    @Override
    public Classifications processOutput(TranslatorContext context, NDList list) {
        float[] scores = Transfers.floats(list.singletonOrThrow());
        List<Double> probabilities = new ArrayList<>(scores.length);
        if (softmax) {
            for (double probability : ClassNames.softmax(scores)) {
                probabilities.add(probability);
            }
        } else {
            for (float score : scores) {
                probabilities.add((double) score);
            }
        }
        Classifications result = new Classifications(classes.of(scores.length), probabilities);
        result.setTopK(topK);
        return result;
    }

    /** Builds an {@link ImageTranslator}. */
    public static final class Builder {

        private ScriptMetadata metadata;
        private int resize;
        private int topK = 5;
        private boolean softmax = true;

        private Builder() {}

        /**
         * Sets what is known of the network, in place of what its file says.
         *
         * @param metadata the metadata, default the file's
         * @return this builder
         */
        public Builder optMetadata(ScriptMetadata metadata) {
            this.metadata = metadata;
            return this;
        }

        /**
         * Scales the shorter side to so many pixels and takes the middle of the size that the
         * network takes, as is usual for ImageNet.
         *
         * @param pixels of the shorter side, at least the network's; default none: the whole image
         *     is scaled to the network's size, whatever its aspect, as FlipOut's training does
         * @return this builder
         */
        public Builder optResize(int pixels) {
            resize = pixels;
            return this;
        }

        /**
         * Sets how many classes are shown.
         *
         * @param count at least 1, default 5
         * @return this builder
         */
        public Builder optTopK(int count) {
            topK = count;
            return this;
        }

        /**
         * Sets whether the network gives scores, from which softmax makes probabilities.
         *
         * @param scores false if it gives probabilities, default true
         * @return this builder
         */
        public Builder optSoftmax(boolean scores) {
            softmax = scores;
            return this;
        }

        /**
         * Builds the translator.
         *
         * @return the translator, for any number of predictors
         * @throws IllegalArgumentException if a number is out of its range
         */
        public ImageTranslator build() {
            if (resize < 0 || topK < 1) {
                throw new IllegalArgumentException(
                        "optResize must be at least 1 and optTopK at least 1, got "
                                + resize
                                + " and "
                                + topK
                                + ".");
            }
            return new ImageTranslator(this);
        }
    }
}

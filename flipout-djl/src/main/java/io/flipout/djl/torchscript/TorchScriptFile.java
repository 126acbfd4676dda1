package io.flipout.djl.torchscript;

import io.flipout.djl.checkpoint.AtomicFile;
import io.flipout.djl.torchscript.ModuleContents.Used;
import io.flipout.mask.ModuleBlock.Submodule;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A TorchScript file, checked before PyTorch sees it: PyTorch loads a file with a damaged weight
 * without a word.
 */
public final class TorchScriptFile {

    /** The newest version of the format that PyTorch 1.13 to 2.7 read. */
    private static final int NEWEST_VERSION = 10;

    /** No record of code or metadata is longer; what claims to be is not read into memory. */
    private static final int LONGEST_TEXT = 64 << 20;

    /** The folder of what travels beside the module. */
    private static final String EXTRA = "extra/";

    private final Path path;
    private final String root;

    /** By folder and name: what the pickles say of their records of numbers. */
    private final Map<String, Used> records = new HashMap<>();

    private ModuleContents contents;
    private Object constants;

    private TorchScriptFile(Path path, String root) {
        this.path = path;
        this.root = root;
    }

    /**
     * Opens a file and checks all of it: that it is TorchScript, of a version that can be read,
     * that no record is longer than what is read of it, and that every record is what was written.
     *
     * @param path the file
     * @return the file
     * @throws NoSuchFileException if there is none
     * @throws TorchScriptException if it is no sound TorchScript file
     * @throws IOException if it cannot be read
     */
    public static TorchScriptFile open(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new NoSuchFileException(path.toString());
        }
        checkBeginning(path);
        try (ZipFile zip = new ZipFile(path.toFile())) {
            TorchScriptFile file = new TorchScriptFile(path, root(path, zip));
            file.checkVersion(zip);
            file.readPickles(zip);
            file.checkSizes(zip);
            file.checkRecords(zip);
            return file;
        } catch (ZipException | EOFException e) {
            String why = e.getMessage() == null ? "a record ends too early" : e.getMessage();
            throw new TorchScriptException(path + " is truncated or damaged (" + why + ").", e);
        }
    }

    /** The name of a file without its ending. */
    static String stem(Path path) {
        String name = path.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }

    private static void checkBeginning(Path path) throws IOException {
        byte[] start;
        try (InputStream in = Files.newInputStream(path)) {
            start = in.readNBytes(4);
        }
        if (start.length < 4 || start[0] != 'P' || start[1] != 'K') {
            throw new TorchScriptException(
                    path
                            + " is no TorchScript file: it must come from torch.jit.save or from"
                            + " this project's export.");
        }
    }

    private static String root(Path path, ZipFile zip) {
        Enumeration<? extends ZipEntry> entries = zip.entries();
        while (entries.hasMoreElements()) {
            String name = entries.nextElement().getName();
            int slash = name.indexOf('/');
            if (slash > 0 && name.substring(slash + 1).equals("data.pkl")) {
                String root = name.substring(0, slash);
                if (zip.getEntry(root + "/constants.pkl") == null) {
                    throw new TorchScriptException(
                            path
                                    + " was written by torch.save and holds no code: save the"
                                    + " module by torch.jit.script(module).save(path).");
                }
                return root;
            }
        }
        throw new TorchScriptException(
                path + " is a zip archive but no TorchScript file: it has no data.pkl.");
    }

    private void checkVersion(ZipFile zip) throws IOException {
        String text = text(zip, "version").orElse("").strip();
        int version;
        try {
            version = Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new TorchScriptException(path + " does not tell its version of the format.", e);
        }
        if (version > NEWEST_VERSION) {
            throw new TorchScriptException(
                    path
                            + " has version "
                            + version
                            + " of the format, newer than the "
                            + NEWEST_VERSION
                            + " that can be read: save it with an older PyTorch.");
        }
    }

    private void readPickles(ZipFile zip) throws IOException {
        Object data = readPickle(zip, "data");
        try {
            contents = ModuleContents.of(data);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw unreadable("data", e);
        }
        constants = readPickle(zip, "constants");
    }

    /**
     * Notes how a pickle uses the records of its folder; null if it is none, as PyTorch will say.
     */
    private Object readPickle(ZipFile zip, String folder) throws IOException {
        Object pickle;
        try {
            pickle = PickleReader.read(bytes(zip, folder + ".pkl").orElseThrow());
        } catch (IllegalArgumentException e) {
            return null;
        }
        try {
            ModuleContents.records(pickle)
                    .forEach((key, used) -> records.put(folder + "/" + key, used));
            return pickle;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw unreadable(folder, e);
        }
    }

    private TorchScriptException unreadable(String folder, RuntimeException e) {
        String reason =
                e instanceof ArithmeticException ? "a number of it is too large" : e.getMessage();
        return new TorchScriptException(
                path
                        + " is damaged: its record "
                        + folder
                        + ".pkl cannot be used, as "
                        + reason
                        + ".",
                e);
    }

    /** Looks at what the archive says, before anything of it is unpacked into memory. */
    private void checkSizes(ZipFile zip) {
        Enumeration<? extends ZipEntry> entries = zip.entries();
        while (entries.hasMoreElements()) {
            ZipEntry entry = entries.nextElement();
            boolean packed = entry.getMethod() != ZipEntry.STORED;
            String name = entry.getName();
            Used used = name.startsWith(root + "/") ? records.get(recordName(entry)) : null;
            if (used == null) {
                if (packed && entry.getSize() > LONGEST_TEXT) {
                    throw tooLong(entry, LONGEST_TEXT);
                }
            } else if (entry.getSize() < used.bytes()) {
                throw damaged(entry, null);
            } else if (entry.getSize() > (packed ? used.reach() : used.bytes())) {
                throw tooLong(entry, packed ? used.reach() : used.bytes());
            }
        }
    }

    private TorchScriptException tooLong(ZipEntry entry, long allowed) {
        return new TorchScriptException(
                path
                        + " is not what it says: its record "
                        + entry.getName()
                        + " unpacks to "
                        + entry.getSize()
                        + " bytes, where at most "
                        + allowed
                        + " are of use.");
    }

    private String recordName(ZipEntry entry) {
        return entry.getName().substring(root.length() + 1);
    }

    private void checkRecords(ZipFile zip) throws IOException {
        Enumeration<? extends ZipEntry> entries = zip.entries();
        byte[] buffer = new byte[1 << 16];
        while (entries.hasMoreElements()) {
            ZipEntry entry = entries.nextElement();
            CRC32 crc = new CRC32();
            long size = 0;
            try (InputStream in = zip.getInputStream(entry)) {
                for (int n = in.read(buffer);
                        n >= 0 && size <= entry.getSize();
                        n = in.read(buffer)) {
                    crc.update(buffer, 0, n);
                    size += n;
                }
            } catch (ZipException | EOFException e) {
                throw damaged(entry, e);
            }
            if (crc.getValue() != entry.getCrc() || size != entry.getSize()) {
                throw damaged(entry, null);
            }
        }
    }

    private TorchScriptException damaged(ZipEntry entry, Throwable cause) {
        return new TorchScriptException(
                path + " is damaged: its record " + entry.getName() + " is not what was written.",
                cause);
    }

    /**
     * Returns the metadata that this project's export adds.
     *
     * @return the metadata; empty in a file of other origin
     * @throws TorchScriptException if they are damaged
     * @throws IOException if the file cannot be read
     */
    public Optional<ScriptMetadata> metadata() throws IOException {
        try (ZipFile zip = new ZipFile(path.toFile())) {
            return text(zip, EXTRA + ScriptMetadata.NAME).map(ScriptMetadata::fromJson);
        } catch (TorchScriptException e) {
            throw new TorchScriptException(path + ": " + e.getMessage(), e);
        }
    }

    /** What the file says of its module. */
    ModuleContents contents() {
        return contents;
    }

    /** What is needed to count how often each weight is used; empty if there is no module. */
    Optional<LayerUses.Source> source() throws IOException {
        Map<String, String> code = new HashMap<>();
        try (ZipFile zip = new ZipFile(path.toFile())) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                String name = entries.nextElement().getName();
                if (name.startsWith(root + "/code/") && name.endsWith(".py")) {
                    String record = name.substring(root.length() + 1);
                    code.put(record, text(zip, record).orElseThrow());
                }
            }
        }
        return contents.root().map(module -> new LayerUses.Source(module, code, constants));
    }

    /** Whether a tensor of float32 holds NaN. */
    boolean holdsNan(StoredTensor tensor) throws IOException {
        if (!tensor.storage().type().equals("FloatStorage")) {
            return false;
        }
        try (ZipFile zip = new ZipFile(path.toFile())) {
            ZipEntry entry = zip.getEntry(root + "/data/" + tensor.storage().key());
            FloatBuffer numbers =
                    ByteBuffer.wrap(zip.getInputStream(entry).readAllBytes())
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .asFloatBuffer();
            boolean[] found = new boolean[1];
            tensor.forEachPosition(i -> found[0] |= Float.isNaN(numbers.get(i)));
            return found[0];
        }
    }

    /** By the name of each tensor, what the submodule is that holds it. */
    Map<String, Submodule> submodules() throws IOException {
        Map<String, Submodule> byClass = new HashMap<>();
        Map<String, Submodule> submodules = new HashMap<>();
        try (ZipFile zip = new ZipFile(path.toFile())) {
            for (String tensor : contents.tensors().keySet()) {
                String owner = contents.owner(tensor).orElseThrow();
                if (!byClass.containsKey(owner)) {
                    int dot = owner.lastIndexOf('.');
                    String file = "code/" + owner.substring(0, dot).replace('.', '/') + ".py";
                    String type = owner.substring(dot + 1);
                    String code = text(zip, file).orElse("");
                    byClass.put(owner, new Submodule(type, ModuleSource.groups(code, type)));
                }
                submodules.put(tensor, byClass.get(owner));
            }
        }
        return submodules;
    }

    /** Writes a copy in which tensors that are the same numbers are one; nothing if none are. */
    boolean unify(Path target) throws IOException {
        Optional<byte[]> pickle = contents.unified();
        if (pickle.isEmpty()) {
            return false;
        }
        copy(
                target,
                record -> false,
                record ->
                        record.equals("data.pkl")
                                ? Optional.of(Content.of(pickle.get()))
                                : Optional.empty(),
                Map.of());
        return true;
    }

    /** Whether batch norm or dropout is there but nothing asks whether the module trains. */
    boolean hasFixedMode() throws IOException {
        boolean follows = false;
        boolean hasMode = false;
        try (ZipFile zip = new ZipFile(path.toFile())) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                String name = entries.nextElement().getName();
                if (name.startsWith(root + "/code/") && name.endsWith(".py")) {
                    String code = text(zip, name.substring(root.length() + 1)).orElse("");
                    hasMode |= code.contains("batch_norm(") || code.contains("dropout(");
                    follows |= code.contains(".training") || code.contains("\"training\"");
                }
            }
        }
        return hasMode && !follows;
    }

    private Optional<String> text(ZipFile zip, String record) throws IOException {
        return bytes(zip, record).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }

    private Optional<byte[]> bytes(ZipFile zip, String record) throws IOException {
        ZipEntry entry = zip.getEntry(root + "/" + record);
        if (entry == null) {
            return Optional.empty();
        }
        try (InputStream in = zip.getInputStream(entry)) {
            byte[] bytes = in.readNBytes(LONGEST_TEXT + 1);
            if (bytes.length > LONGEST_TEXT) {
                throw new TorchScriptException(path + ": its record " + record + " is too long.");
            }
            return Optional.of(bytes);
        }
    }

    /** Reads records, one after the other. */
    interface Records {
        /** Whether there is such a record. */
        boolean has(String name);

        /** The names of the records of a folder, with all folders beneath. */
        List<String> under(String folder);

        /** A record of code or metadata. */
        byte[] text(String name) throws IOException;

        /** A record of so many bytes, which are taken in order. */
        void numbers(String name, long bytes, Content.Sink sink) throws IOException;
    }

    /** What is made of the records. */
    @FunctionalInterface
    interface Use<T> {
        T of(Records records) throws IOException;
    }

    /** Opens the archive for somebody who reads its records. */
    <T> T read(Use<T> use) throws IOException {
        try (ZipFile zip = new ZipFile(path.toFile())) {
            return use.of(new ZipRecords(zip));
        } catch (ZipException | EOFException e) {
            throw new TorchScriptException(path + " is truncated or damaged.", e);
        }
    }

    private final class ZipRecords implements Records {

        private final ZipFile zip;

        private ZipRecords(ZipFile zip) {
            this.zip = zip;
        }

        @Override
        public boolean has(String name) {
            return zip.getEntry(root + "/" + name) != null;
        }

        @Override
        public List<String> under(String folder) {
            List<String> names = new ArrayList<>();
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                String name = entries.nextElement().getName();
                if (name.startsWith(root + "/" + folder + "/")) {
                    names.add(name.substring(root.length() + 1));
                }
            }
            return names;
        }

        @Override
        public byte[] text(String name) throws IOException {
            return bytes(zip, name).orElseThrow(() -> missing(name));
        }

        @Override
        public void numbers(String name, long bytes, Content.Sink sink) throws IOException {
            ZipEntry entry = zip.getEntry(root + "/" + name);
            if (entry == null) {
                throw missing(name);
            }
            if (entry.getSize() != bytes) {
                throw new TorchScriptException(
                        path + " is damaged: its record " + name + " has another size.");
            }
            Content.of(bytes, () -> zip.getInputStream(entry)).forEach(sink);
        }

        private TorchScriptException missing(String name) {
            return new TorchScriptException(path + " is damaged: it has no record " + name + ".");
        }
    }

    /** Returns what travels in the file beside the module, by name. */
    Map<String, byte[]> extras() throws IOException {
        Map<String, byte[]> extras = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(path.toFile())) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                ZipEntry entry = entries.nextElement();
                if (entry.getName().startsWith(root + "/" + EXTRA)
                        && entry.getSize() <= LONGEST_TEXT) {
                    String record = recordName(entry);
                    extras.put(record.substring(EXTRA.length()), bytes(zip, record).orElseThrow());
                }
            }
        }
        return extras;
    }

    /** Writes a copy, its records deflated or not, with more beside the module. */
    void copy(Path target, boolean deflate, Map<String, byte[]> extras) throws IOException {
        copy(
                target,
                record -> {
                    boolean small = record.equals("version") || record.equals("byteorder");
                    Used used = records.get(record);
                    // What no tensor looks at would not be believed of a packed record.
                    return deflate && !small && (used == null || used.reach() == used.bytes());
                },
                record -> Optional.empty(),
                extras);
    }

    private void copy(
            Path target,
            Predicate<String> deflates,
            Function<String, Optional<Content>> replacement,
            Map<String, byte[]> extras)
            throws IOException {
        try (ZipFile zip = new ZipFile(path.toFile());
                OutputStream out =
                        new BufferedOutputStream(Files.newOutputStream(target), 1 << 16);
                ArchiveWriter archive = new ArchiveWriter(out, root)) {
            Enumeration<? extends ZipEntry> entries = zip.entries();
            while (entries.hasMoreElements()) {
                ZipEntry entry = entries.nextElement();
                String record = recordName(entry);
                Content content =
                        replacement
                                .apply(record)
                                .orElseGet(
                                        () ->
                                                Content.of(
                                                        entry.getSize(),
                                                        () -> zip.getInputStream(entry)));
                archive.write(record, content, deflates.test(record));
            }
            for (Map.Entry<String, byte[]> extra : extras.entrySet()) {
                String record = EXTRA + extra.getKey();
                archive.write(record, extra.getValue(), deflates.test(record));
            }
        }
    }

    /** Writes a file whole or not at all, into a folder that exists. */
    static void replace(Path target, AtomicFile.Writer writer) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new TorchScriptException("There is no folder " + folder + " to write to.");
        }
        AtomicFile.replace(target, writer);
    }
}

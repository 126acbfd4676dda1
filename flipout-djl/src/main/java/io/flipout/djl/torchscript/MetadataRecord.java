package io.flipout.djl.torchscript;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The record of a TorchScript file that PyTorch does not write: {@link ScriptMetadata}. */
final class MetadataRecord {

    private static final String RECORD = "extra/" + ScriptMetadata.NAME;

    private MetadataRecord() {}

    /** Writes a copy of a sound file that PyTorch has written, with metadata. */
    static void add(Path source, String json, Path target) throws IOException {
        try (ZipFile zip = new ZipFile(source.toFile());
                OutputStream out =
                        new BufferedOutputStream(Files.newOutputStream(target), 1 << 16)) {
            String first = zip.entries().nextElement().getName();
            String root = first.substring(0, first.indexOf('/'));
            try (ArchiveWriter archive = new ArchiveWriter(out, root)) {
                Enumeration<? extends ZipEntry> entries = zip.entries();
                while (entries.hasMoreElements()) {
                    ZipEntry entry = entries.nextElement();
                    String name = entry.getName().substring(root.length() + 1);
                    Content content = Content.of(entry.getSize(), () -> zip.getInputStream(entry));
                    archive.write(name, content, entry.getMethod() == ZipEntry.DEFLATED);
                }
                archive.write(RECORD, Content.of(json.getBytes(StandardCharsets.UTF_8)), false);
            }
        }
    }
}

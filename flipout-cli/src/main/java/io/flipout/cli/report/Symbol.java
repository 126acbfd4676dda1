package io.flipout.cli.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import org.knowm.xchart.style.markers.Marker;

/** The mark of a point: solid for what was measured here, hollow for what was published. */
final class Symbol extends Marker {

    private static final BasicStroke OUTLINE = new BasicStroke(1.6f);

    private final Form form;
    private final boolean hollow;

    /** The forms, told apart without colour. */
    enum Form {
        CIRCLE,
        SQUARE,
        DIAMOND,
        TRIANGLE,
        INVERTED_TRIANGLE
    }

    Symbol(Form form, boolean hollow) {
        this.form = form;
        this.hollow = hollow;
    }

    @Override
    public void paint(Graphics2D g, double x, double y, int size) {
        Shape shape = shape(x, y, size / 2.0);
        if (hollow) {
            Color color = g.getColor();
            g.setColor(Color.WHITE);
            g.fill(shape);
            g.setColor(color);
            g.setStroke(OUTLINE);
            g.draw(shape);
        } else {
            g.fill(shape);
        }
    }

    /** All forms cover about the same area. */
    private Shape shape(double x, double y, double r) {
        return switch (form) {
            case CIRCLE -> new Ellipse2D.Double(x - r, y - r, 2 * r, 2 * r);
            case SQUARE -> new Rectangle2D.Double(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
            case DIAMOND ->
                    polygon(x, y - 1.25 * r, x + 1.25 * r, y, x, y + 1.25 * r, x - 1.25 * r, y);
            case TRIANGLE ->
                    polygon(x, y - 1.2 * r, x + 1.2 * r, y + 0.9 * r, x - 1.2 * r, y + 0.9 * r);
            case INVERTED_TRIANGLE ->
                    polygon(x, y + 1.2 * r, x + 1.2 * r, y - 0.9 * r, x - 1.2 * r, y - 0.9 * r);
        };
    }

    private static Shape polygon(double... points) {
        Path2D path = new Path2D.Double();
        path.moveTo(points[0], points[1]);
        for (int i = 2; i < points.length; i += 2) {
            path.lineTo(points[i], points[i + 1]);
        }
        path.closePath();
        return path;
    }
}

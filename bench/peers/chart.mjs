// Grouped bars as SVG, with the least and the greatest of the rounds as a line. `groups`: [{ label, bars: [{ name, median, least, most }] }].
const colours = { gateway: '#1f6f54', 'gateway-http1': '#7fb8a4', nginx: '#4a6fa5', lua: '#8aa6cf', haproxy: '#b07a3c', floor: '#9a9a9a' };
const more_colours = ['#1f6f54', '#4a6fa5', '#b07a3c', '#8a4f7d'];
const escape = text => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export function bars(title, unit, groups) {
  const names = [...new Set(groups.flatMap(group => group.bars.map(bar => bar.name)))];
  const colour = name => colours[name] ?? more_colours[names.indexOf(name) % more_colours.length];
  const width = 26, gap = 34, left = 56, top = 64, height = 240;
  const span = group => group.bars.length * width;
  const whole = left + gap / 2 + groups.reduce((sum, group) => sum + span(group) + gap, 0);
  const total = Math.max(whole, left + names.length * 120, 420);
  const highest = Math.max(...groups.flatMap(group => group.bars.map(bar => bar.most ?? bar.median)));
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find(one => highest / one <= 6) ?? highest / 5;
  const y = value => top + height - value / (Math.ceil(highest / step) * step) * height;
  const out = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${top + height + 48}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`, `<text x="12" y="22" font-size="15" font-weight="bold">${escape(title)}</text>`];
  names.forEach((name, i) => out.push(`<rect x="${left + i * 120}" y="36" width="11" height="11" fill="${colour(name)}"/><text x="${left + i * 120 + 16}" y="46">${escape(name)}</text>`));
  for (let value = 0; value <= Math.ceil(highest / step) * step + step / 1000; value += step)
    out.push(`<line x1="${left}" x2="${total - 8}" y1="${y(value)}" y2="${y(value)}" stroke="#e2e2e2"/><text x="${left - 6}" y="${y(value) + 4}" text-anchor="end" fill="#555">${+value.toFixed(2)}</text>`);
  out.push(`<text x="14" y="${top + height / 2}" fill="#555" text-anchor="middle" transform="rotate(-90 14 ${top + height / 2})">${escape(unit)}</text>`);
  let x = left + gap / 2;
  for (const group of groups) {
    for (const [i, bar] of group.bars.entries()) {
      const at = x + i * width, middle = at + width / 2 - 1;
      out.push(`<rect x="${at}" y="${y(bar.median)}" width="${width - 3}" height="${top + height - y(bar.median)}" fill="${colour(bar.name)}"><title>${escape(bar.name)} ${bar.median.toFixed(1)}</title></rect>`);
      if (bar.most !== undefined) out.push(`<line x1="${middle}" x2="${middle}" y1="${y(bar.least)}" y2="${y(bar.most)}" stroke="#222"/>`);
      out.push(`<text x="${middle}" y="${y(bar.most ?? bar.median) - 4}" text-anchor="middle" font-size="10">${bar.median < 10 ? bar.median.toFixed(1) : Math.round(bar.median)}</text>`);
    }
    out.push(`<text x="${x + span(group) / 2}" y="${top + height + 18}" text-anchor="middle">${escape(group.label)}</text>`);
    x += span(group) + gap;
  }
  out.push(`<text x="${(left + total) / 2}" y="${top + height + 38}" text-anchor="middle" fill="#555">connections</text>`, '</svg>');
  return out.join('\n') + '\n';
}
